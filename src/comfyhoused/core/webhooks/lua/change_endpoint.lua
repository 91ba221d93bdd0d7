#!lua flags=allow-oom
-- Change fields of an owner's endpoint. ARGV: id, owner, then field, value, …
-- Switched on again it begins anew: what failed before counts no more.
local id, owner = ARGV[1], ARGV[2]
if redis.call('HGET', endpoint_of(id), 'owner') ~= owner then return 'missing' end
for i = 3, #ARGV, 2 do
  redis.call('HSET', endpoint_of(id), ARGV[i], ARGV[i + 1])
  if ARGV[i] == 'enabled' and ARGV[i + 1] == '1' then
    redis.call('HSET', endpoint_of(id), 'disabled_reason', '', 'failures', 0)
    redis.call('HDEL', endpoint_of(id), 'failing_since', 'failed_at')
    redis.call('DEL', state_of(id))
    redis.call('SREM', NOTICES, id)
  end
end
-- Switched off: whoever looks next ends what waits.
touch(id, 0)
return 'changed'
