// One row for each way to write a setting wrong.
#include "config_support.h"

namespace gander {
namespace {

struct Wrong {
  const char* text;
  const char* says;
};
const Wrong kRows[] = {
    {"\n[worker]\nthread = 8",
     "gander.toml:3: worker.thread: unknown key; did you mean 'worker.threads'?"},
    {"[wroker]\nthreads = 8", "gander.toml:1: wroker: unknown key; did you mean"},
    {"brokr = 'a'", "did you mean 'broker'?"},
    {"[queues]\nmail = { wieght = 2 }",
     "gander.toml:2: queues.mail.wieght: unknown key 'wieght'; did you mean 'weight'?"},
    {"[worker]\nthreads = '8'", "worker.threads: must be a whole number from 1 to 1024, not '8'"},
    {"[worker]\nthreads = 8.5", "a whole number from 1 to 1024, not 8.5"},
    {"[worker]\nthreads = 0", "a whole number from 1 to 1024, not 0"},
    {"[worker]\nthreads = 99999999999999", "from 1 to 1024, not 99999999999999"},
    {"[worker]\nprefetch = -2", "a whole number from 0 to 100000"},
    {"[worker]\nshutdown_timeout = 30",
     "must be a duration such as \"500ms\", \"30s\", \"5m\" or \"1h\", at least 1ms, not "
     "30"},
    {"[worker]\nshutdown_timeout = '0s'", "at least 1ms, not '0s'"},
    {"[worker]\nshutdown_timeout = '30 s'", "not '30 s'"},
    {"[worker]\nshutdown_timeout = '9223372036854775807h'", "must be a duration"},
    {"[worker]\nqueues = 'a'", "must be a list of texts"},
    {"[worker]\nqueues = ['a', 1]", "must be a text in quotes, not 1"},
    {"worker = 5", "worker: must be a table"},
    {"[retry]\nskip_dead = 1", "must be true or false, not 1"},
    {"[log]\nlevel = 'wran'", "log.level: unknown value 'wran'; did you mean 'warn'?"},
    {"[log]\nformat = 'xml'", "known are: text, json"},
    {"broker = 1979-05-27", "must be a text in quotes, not a date or time"},
    {"metrics_interval = '10ms'", "at least 100ms"},
    {"plugin_path = ['plugins']", "'plugins' must be an absolute path"},
    {"[queues]\n'' = {}", "a queue's name has 1 to 200 bytes"},
    {"[queues]\n'a/b' = {}", "no '/'"},
    {"[queues]\n\"a\\nb\" = {}", "no control character"},
    {"[queues]\nmail = { weight = 0 }", "queues.mail.weight: must be a whole number from 1"},
    {"[queues]\nmail = 3", "queues.mail: must be a table"},
    {"[brokers]\nmain = 'redis'", "brokers.main: must be a table, such as [brokers.main]"},
    {"[brokers.'a:b']\nurl='x:'", "a name has 1 to 64 letters"},
    {"[brokers.main]\nplugin = './evil.so'", "a plugin is called by its name"},
    {"[brokers.main]\nplugin = 'redis'\nhosts = ['a']",
     "gander.toml:3: brokers.main.hosts: must be a text, a number, true or false"},
    {"[brokers.main]\npool = 3", "gander.toml:1: brokers.main: has neither plugin nor url"},
    {"[brokers.main]\nurl='a:'\n[brokers.main]\nurl='b:'",
     "the same name stands there twice, give each a name of its own"},
    {"broker = 'mian'\n[brokers.main]\nurl='a:'\n[brokers.spare]\nurl='b:'",
     "there is no broker 'mian'; did you mean 'main'? configured are: main, spare"},
    {"broker = 'redis'", "none is configured: write its URL"},
    {"[brokers.a]\nurl='a:'\n[brokers.b]\nurl='b:'",
     "several brokers are configured (a, b) and none is chosen; set broker = \"a\""},
    {"[worker]\nqueues=['mial']\n[queues]\nmail={}",
     "worker.queues: there is no queue 'mial' in [queues]; did you mean 'mail'?"},
    {"broker = 'a\nx = 1", "gander.toml:1:12: not TOML"},
    {"broker = '${NO_SUCH}'",
     "gander.toml:1: broker: environment variable 'NO_SUCH' is not set; set it, or"},
    {"broker = '${OPEN'", "'${' has no '}'"},
    {"broker = 'file:/no/such/file'", "cannot read '/no/such/file': No such file"},
    {"broker = 'file:/tmp'", "cannot read '/tmp': Is a directory"},
    {"broker = 'file:secret'", "wants an absolute path"}};

TEST(WrongConfig, IsRefusedWithPlaceKeyAndRemedy) {
  for (const Wrong& row : kRows) {
    const std::string text = refusal([&] { parse(row.text).check(); });
    EXPECT_NE(text.find(row.says), std::string::npos) << row.text << "\n" << text;
  }
}

}  // namespace
}  // namespace gander
