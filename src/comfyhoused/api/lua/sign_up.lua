-- Open an account for a mailbox that has none, unless too many were opened of late.
-- ARGV: identity, account (JSON object of fields), then for each limit: key, most, ms it lasts
local known = redis.call('GET', P .. 'account_of:' .. ARGV[1])
if known then return { 'known', known } end
for i = 3, #ARGV, 3 do
  if (tonumber(redis.call('GET', P .. 'sign_ups:' .. ARGV[i])) or 0) >= tonumber(ARGV[i + 1]) then
    return { 'limited', ARGV[i] }
  end
end
local account = cjson.decode(ARGV[2])
for i = 3, #ARGV, 3 do
  local key = P .. 'sign_ups:' .. ARGV[i]
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[i + 2]) end
end
create_account(account)
redis.call('SET', P .. 'account_of:' .. ARGV[1], account.id)
return { 'created', account.id }
