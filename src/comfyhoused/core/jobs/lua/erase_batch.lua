#!lua flags=allow-oom
-- Erase a batch: nobody is shown it or its jobs from now on; these are canceled and marked, and go
-- with their files soon. ARGV: batch id, owner. Returns 1, or 0 where there is none.
local batch = ARGV[1]
if redis.call('HGET', batch_of(batch), 'owner') ~= ARGV[2] then return 0 end
local now = now_ms()
redis.call('DEL', open_of(batch))  -- so that its last job does not end it
for _, list in ipairs({ items_of(batch), past_of(batch) }) do
  for _, id in ipairs(redis.call('LRANGE', list, 0, -1)) do
    if redis.call('EXISTS', key_of(id)) == 1 then
      cancel(id, now)
      redis.call('HSET', key_of(id), 'erasing', 1)
      redis.call('ZADD', P .. 'erasing', now, id)
    end
  end
end
redis.call('DEL', batch_of(batch), items_of(batch), past_of(batch))
redis.call('ZREM', P .. 'owner:' .. ARGV[2] .. ':batches', batch)
return 1
