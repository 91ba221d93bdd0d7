#!lua flags=allow-oom
-- Cancel what is not over yet of a batch. ARGV: batch id, owner. Returns how many, or -1.
local batch = ARGV[1]
if redis.call('HGET', batch_of(batch), 'owner') ~= ARGV[2] then return -1 end
local canceled, now = 0, now_ms()
for _, id in ipairs(redis.call('SMEMBERS', open_of(batch))) do
  if cancel(id, now) then canceled = canceled + 1 end
end
return canceled
