#!lua flags=allow-oom
-- What was told about a subject is not kept: bodies, answers and addresses of its own go, what
-- waits is not sent. Ids and states stay for the rest of their time. ARGV: subject
local now = now_ms()
for _, event in ipairs(redis.call('SMEMBERS', subject_of(ARGV[1]))) do
  redis.call('HSET', event_of(event), 'erased', 1, 'data', '')
  for _, id in ipairs(redis.call('SMEMBERS', event_of(event) .. ':deliveries')) do
    if redis.call('HGET', delivery_of(id), 'state') == 'pending' then
      touch(close_delivery(id, 'canceled', 'erased', now), 0)
    end
    redis.call('HSET', delivery_of(id), 'erased', 1, 'url', '')
    redis.call('HDEL', delivery_of(id), 'body')
    redis.call('DEL', delivery_of(id) .. ':attempts')
  end
end
return 1
