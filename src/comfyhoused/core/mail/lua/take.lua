#!lua flags=allow-oom
-- Take mails that are due: nobody else gets them for a while. Those that are too late are dropped.
-- ARGV: most, ms for which they are taken
local now, taken = now_ms(), {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local fields = redis.call('HGETALL', key_of(id))
  if #fields == 0 then
    redis.call('ZREM', DUE, id)
  else
    local tries = redis.call('HINCRBY', key_of(id), 'tries', 1)
    redis.call('ZADD', DUE, now + tonumber(ARGV[2]), id)
    taken[#taken + 1] = { id, fields, tries }
  end
end
return taken
