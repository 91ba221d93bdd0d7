-- Accept a job: limits, reservation, record, indexes and idempotency answer in one step.
-- ARGV: id, record (JSON object of hash fields), spec, limit (-1: none), units,
--       idempotency key ('' for none), body digest, priority, expires_in_ms
local id, record, spec = ARGV[1], cjson.decode(ARGV[2]), ARGV[3]
local limit, units = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = now_ms()
local owner, mode, class = record.owner, record.mode, record.class
-- Hashed: a key that holds a colon must not look like another owner's.
local idem = P .. 'idem:' .. owner .. ':' .. redis.sha1hex(ARGV[6])

if ARGV[6] ~= '' then
  local known = redis.call('HMGET', idem, 'digest', 'job')
  if known[1] then
    if known[1] ~= ARGV[7] then return { 'mismatch' } end
    return { 'replayed', known[2] }
  end
end
if redis.call('EXISTS', key_of(id)) == 1 then return { 'replayed', id } end
local usage = P .. 'usage:' .. owner
if units > 0 and limit >= 0 then
  local used = redis.call('HMGET', usage, 'reserved', 'settled')
  if (tonumber(used[1]) or 0) + (tonumber(used[2]) or 0) + units > limit then return { 'exhausted' } end
end

local expires_at = now + tonumber(ARGV[9])
local seq = redis.call('INCR', P .. 'seq')
local fields = {}
for name, value in pairs(record) do
  fields[#fields + 1] = name
  fields[#fields + 1] = tostring(value)
end
redis.call('HSET', key_of(id), 'schema', 1, 'id', id, 'state', 'queued', 'created_at', now,
  'expires_at', expires_at, 'rank', string.format('%.0f', seq - tonumber(ARGV[8]) * 1e12),
  'reserved_units', units, 'attempt', 0, 'fence', 0, 'assigned', 0, 'canceling', 0, 'deaths', 0,
  'booked_ms', 0, unpack(fields))
redis.call('SET', key_of(id) .. ':spec', spec)
redis.call('ZADD', P .. 'owner:' .. owner .. ':jobs', seq, id)
redis.call('ZADD', DEADLINES, expires_at, id)
if units > 0 then
  redis.call('HINCRBY', usage, 'reserved', units)
  redis.call('HSET', P .. 'charges:' .. owner, id, 'reserved:' .. string.format('%.0f', units))
end
if ARGV[6] ~= '' then
  redis.call('HSET', idem, 'digest', ARGV[7], 'job', id)
  redis.call('EXPIRE', idem, 86400)
end
enqueue(id)
announce(id, 'job.queued', { state = 'queued', at = now })
-- One doorbell message a second is enough: the bell channel reaches every live worker.
local ring = redis.call('SET', P .. 'rung:' .. mode, 1, 'NX', 'PX', 1000) and 1 or 0
return { 'admitted', id, ring, redis.call('HGETALL', key_of(id)) }
