#!lua flags=allow-oom
-- Give a session a new cookie; the old one works a moment longer, for requests under way.
-- Answers 0 where the session is over or another request was faster.
-- ARGV: old digest, new digest, now ms, moment ms, idle ms
local old, new = P .. 'session:' .. ARGV[1], P .. 'session:' .. ARGV[2]
local fields = redis.call('HGETALL', old)
if #fields == 0 or redis.call('HSETNX', old, 'renewed', 1) == 0 then return 0 end
redis.call('HSET', new, unpack(fields))
redis.call('HSET', new, 'seen_at', ARGV[3])
local rest = tonumber(redis.call('HGET', new, 'expires_at')) - tonumber(ARGV[3])
redis.call('PEXPIRE', new, math.max(1, math.min(rest, tonumber(ARGV[5]))))
redis.call('PEXPIRE', old, ARGV[4])
local id, account = redis.call('HGET', new, 'id'), redis.call('HGET', new, 'account')
redis.call('HSET', P .. 'account:' .. account .. ':sessions', id, ARGV[2])
return 1
