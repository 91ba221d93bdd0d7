-- A new secret; the present one goes on signing beside it for a while.
-- ARGV: key of the hash, new salt, overlap ms, owner ('' where the hash has none)
local key = ARGV[1]
if ARGV[4] ~= '' and redis.call('HGET', key, 'owner') ~= ARGV[4] then return 'missing' end
local old = redis.call('HGET', key, 'salt')
if old and tonumber(ARGV[3]) > 0 then
  redis.call('HSET', key, 'old_salt', old, 'old_until', now_ms() + tonumber(ARGV[3]))
else
  redis.call('HDEL', key, 'old_salt', 'old_until')
end
redis.call('HSET', key, 'salt', ARGV[2])
return 'rotated'
