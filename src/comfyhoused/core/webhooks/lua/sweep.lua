#!lua flags=allow-oom
-- Forget events and deliveries whose time is over; one that still waits stays for another day.
-- ARGV: most. Returns how many events went.
local now, gone = now_ms(), 0
local function is_pending(event)
  for _, id in ipairs(redis.call('SMEMBERS', event_of(event) .. ':deliveries')) do
    if redis.call('HGET', delivery_of(id), 'state') == 'pending' then return true end
  end
  return false
end
for _, event in ipairs(redis.call('ZRANGEBYSCORE', KEPT, '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
  if is_pending(event) then
    redis.call('ZADD', KEPT, now + 86400000, event)
  else
    local v = redis.call('HMGET', event_of(event), 'owner', 'subject')
    for _, id in ipairs(redis.call('SMEMBERS', event_of(event) .. ':deliveries')) do
      local d = redis.call('HMGET', delivery_of(id), 'owner', 'endpoint')
      redis.call('ZREM', log_of(d[1]), id)
      if d[2] ~= '' then redis.call('ZREM', endpoint_of(d[2]) .. ':deliveries', id) end
      redis.call('DEL', delivery_of(id), delivery_of(id) .. ':attempts')
    end
    redis.call('ZREM', events_of(v[1]), event)
    if v[2] ~= '' then redis.call('SREM', subject_of(v[2]), event) end
    redis.call('DEL', event_of(event), event_of(event) .. ':deliveries')
    redis.call('ZREM', KEPT, event)
    gone = gone + 1
  end
end
return gone
