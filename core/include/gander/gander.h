// gander/gander.h -- background jobs: enqueue a function call now, a worker runs it later, at least
// once.
//
//   void send_welcome(std::string to, int user_id);
//   inline constexpr gander::Job<"mail.welcome", send_welcome> welcome;
//
//   gander::Broker broker{"sqlite:jobs.db"};
//   gander::Client client{broker};
//   client.enqueue(welcome, "ada@lovelace.dev", 42);
//
//   gander::Worker{broker}.handle(welcome).run();
//
// Beside it: gander/admin.h (look in, set right), gander/module.h (handlers as a .so),
// gander/testing.h (your tests), gander/config.h (gander.toml), gander/log.h, gander/metrics.h.
#pragma once

#include <gander/broker.h>
#include <gander/client.h>
#include <gander/error.h>
#include <gander/job.h>
#include <gander/worker.h>
