-- Store a key beside its account; the account is made where there is none yet.
-- With the key that it replaces, that one ends at the given instant, or earlier if it does anyhow.
-- Of keys that are over only so many are kept: who makes and revokes keys all day leaves no heap.
-- ARGV: digest, key (JSON object of hash fields), account (likewise), most keys in use (-1: any
--       number), id of the key it replaces ('' for none), instant (ms) when that one ends,
--       most keys kept of an account
local key, account = cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local mine, now = P .. 'account:' .. account.id .. ':keys', now_ms()

local function record_of(id) return P .. 'key:' .. (redis.call('HGET', P .. 'keys', id) or '') end

local function is_in_use(id)
  local k = redis.call('HMGET', record_of(id), 'id', 'revoked_at', 'expires_at')
  return k[1] and not k[2] and (not k[3] or tonumber(k[3]) > now)
end

local function count_in_use()
  local count = 0
  for _, id in ipairs(redis.call('SMEMBERS', mine)) do
    if is_in_use(id) then count = count + 1 end
  end
  return count
end

local function forget_those_over()
  for _, id in ipairs(redis.call('SMEMBERS', mine)) do
    if not is_in_use(id) then
      redis.call('DEL', record_of(id))
      redis.call('HDEL', P .. 'keys', id)
      redis.call('SREM', mine, id)
    end
  end
end

if ARGV[5] ~= '' then
  if not is_in_use(ARGV[5]) then return 'over' end
  if redis.call('HGET', record_of(ARGV[5]), 'replaced_by') then return 'replaced' end
end
if tonumber(ARGV[4]) >= 0 and count_in_use() >= tonumber(ARGV[4]) then
  return 'full'
end
if redis.call('SCARD', mine) >= tonumber(ARGV[7]) then forget_those_over() end
create_account(account)
store(P .. 'key:' .. ARGV[1], key)
redis.call('HSET', P .. 'keys', key.id, ARGV[1])
redis.call('SADD', mine, key.id)
if ARGV[5] ~= '' then
  local old = record_of(ARGV[5])
  local ends = redis.call('HGET', old, 'expires_at')
  if not ends or tonumber(ends) > tonumber(ARGV[6]) then
    redis.call('HSET', old, 'expires_at', ARGV[6])
  end
  redis.call('HSET', old, 'replaced_by', key.id)
end
return 'created'
