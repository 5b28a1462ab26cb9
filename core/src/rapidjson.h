// RapidJSON as all of core sees it: one set of switches, since two would be two layouts of one
// type, and its symbols hidden, since an application may bring a RapidJSON of its own.
#pragma once

#define RAPIDJSON_HAS_STDSTRING 1
#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__)
#define RAPIDJSON_SSE2  // its aligned reads past a string's end stay within the page, not within
                        // ASan's rules
#endif

// The standard headers it includes, first: what they declare must not become hidden with it.
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iosfwd>
#include <limits>
#include <memory>
#include <new>
#include <string>

#pragma GCC visibility push(hidden)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#pragma GCC diagnostic pop
#pragma GCC visibility pop
