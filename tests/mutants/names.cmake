# One plugin for each; what mutants.txt says of them is the test.
set(GANDER_MUTANTS
  sound two-symbols any-major other-pointer short-stride thread-at-load changes-environment bare-schema
  accepts-any-option accepts-any-value connects-in-create leaks-a-thread leaks-memory
  talks-after-destroy overruns-info any-extension unterminated-error throws ignores-stride
  keeps-pointers accepts-flags cuts-at-nul forgets-note ignores-front ignores-priority
  ignores-run-at own-clock accepts-duplicates verdict-missing acks-vanish loses-given-back
  retries-the-dead delivers-twice settles-for-strangers hides-lost-leases takes-backwards
  one-too-many ignores-max-bytes waits-in-exchange silent-about-due misses-the-edge
  ignores-interrupt tends-nothing)
