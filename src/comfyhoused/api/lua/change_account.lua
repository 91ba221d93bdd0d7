#!lua flags=allow-oom
-- Change one field of an account that is there. An empty value removes the field.
-- ARGV: account, field, value
local key = P .. 'account:' .. ARGV[1]
if redis.call('EXISTS', key) == 0 then return 0 end
if ARGV[3] == '' then redis.call('HDEL', key, ARGV[2]) else redis.call('HSET', key, ARGV[2], ARGV[3]) end
return 1
