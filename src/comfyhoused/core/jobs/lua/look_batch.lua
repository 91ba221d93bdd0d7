-- How a batch stands. ARGV: batch id, owner ('' : whoever's)
-- Returns its record, pairs of state and count, units reserved, units charged, and of delivered
-- jobs that are not charged yet: kind, units, ran ms.
local batch = ARGV[1]
local owner = redis.call('HGET', batch_of(batch), 'owner')
if not owner or (ARGV[2] ~= '' and owner ~= ARGV[2]) then return nil end
local counts, reserved, charged, due = {}, 0, 0, {}
for _, id in ipairs(redis.call('LRANGE', items_of(batch), 0, -1)) do
  local j = read(id, 'state', 'erasing', 'reserved_units', 'charged_units', 'kind', 'ran_ms')
  local state = j[1]
  if not state or j[2] == '1' then
    state = 'erased'
  elseif state == 'succeeded' and j[4] then
    charged = charged + tonumber(j[4])
  elseif state == 'succeeded' then
    due[#due + 1] = { j[5], j[3], j[6] or '0' }
  elseif next(MOVES[state]) ~= nil then
    reserved = reserved + tonumber(j[3])
  end
  counts[state] = (counts[state] or 0) + 1
end
local pairs_of = {}
for state, count in pairs(counts) do
  pairs_of[#pairs_of + 1] = state
  pairs_of[#pairs_of + 1] = count
end
return { redis.call('HGETALL', batch_of(batch)), pairs_of, reserved, charged, due }
