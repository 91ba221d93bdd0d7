-- Store a key beside its account; the account is made where there is none yet.
-- ARGV: digest, key (JSON object of hash fields), account (likewise), most live keys (-1: any number)
local key, account = cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local mine = P .. 'account:' .. account.id .. ':keys'
if tonumber(ARGV[4]) >= 0 and redis.call('SCARD', mine) >= tonumber(ARGV[4]) then return 0 end
create_account(account)
store(P .. 'key:' .. ARGV[1], key)
redis.call('HSET', P .. 'keys', key.id, ARGV[1])
redis.call('SADD', mine, key.id)
return 1
