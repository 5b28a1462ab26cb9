// From librdkafka's codes to the codes the host acts on.
#pragma once

#include <librdkafka/rdkafka.h>

#include <gander/sdk/plugin.hpp>
#include <string>

namespace gander::kafka {

// `where` is Settings::where(), `doing` what was tried; `detail` is librdkafka's own text, or
// empty. `flags` are added: MAYBE_APPLIED where the request had gone out.
sdk::Error error_of(rd_kafka_resp_err_t code, const std::string& where, const std::string& doing,
                    const std::string& detail = {}, std::uint32_t flags = 0);

// The same error, with these flags instead.
sdk::Error with_flags(const sdk::Error& error, std::uint32_t flags);

// The user lacks a right.
bool is_refusal(rd_kafka_resp_err_t code);

// What this process may no longer say for its group: it was taken for dead, or others have moved
// on.
bool is_fenced(rd_kafka_resp_err_t code);

// Somebody else has begun transactions by our id.
bool is_overtaken(rd_kafka_resp_err_t code);

}  // namespace gander::kafka
