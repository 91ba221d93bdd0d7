#!lua flags=allow-oom
-- Try a mail again later.
-- ARGV: id, ms
if redis.call('ZSCORE', DUE, ARGV[1]) then redis.call('ZADD', DUE, now_ms() + tonumber(ARGV[2]), ARGV[1]) end
return 1
