#!lua flags=no-writes
-- A session and its account, in one look.
-- ARGV: digest of the cookie
local session = redis.call('HGETALL', P .. 'session:' .. ARGV[1])
local account = redis.call('HGET', P .. 'session:' .. ARGV[1], 'account')
if not account then return { {}, {} } end
return { session, redis.call('HGETALL', P .. 'account:' .. account) }
