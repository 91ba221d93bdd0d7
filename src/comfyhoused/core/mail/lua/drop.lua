#!lua flags=allow-oom
-- Forget a mail that is sent, or never will be.
-- ARGV: id
redis.call('ZREM', DUE, ARGV[1])
return redis.call('DEL', key_of(ARGV[1]))
