#!lua flags=no-writes
-- A key and the account it belongs to, in one look.
-- ARGV: digest of the secret
local key = redis.call('HGETALL', P .. 'key:' .. ARGV[1])
local account = redis.call('HGET', P .. 'key:' .. ARGV[1], 'account')
if not account then return { key, {} } end
return { key, redis.call('HGETALL', P .. 'account:' .. account) }
