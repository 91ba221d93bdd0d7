#!lua flags=allow-oom
-- Keep files at least so long: a job that was accepted finds its inputs. ARGV: until (ms), ids, …
local until_ms = tonumber(ARGV[1])
for i = 2, #ARGV do
  local ends = redis.call('ZSCORE', EXPIRING, ARGV[i])
  if ends and tonumber(ends) < until_ms and redis.call('EXISTS', key_of(ARGV[i])) == 1 then
    redis.call('ZADD', EXPIRING, until_ms, ARGV[i])
    redis.call('HSET', key_of(ARGV[i]), 'expires_at', ARGV[1])
  end
end
return 1
