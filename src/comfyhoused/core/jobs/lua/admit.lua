-- Accept a job: limits, reservation, record, indexes and idempotency answer in one step.
-- ARGV: id, record (JSON object of hash fields), spec, units, terms (JSON object: limit,
--       most_waiting, concurrency, priority, expires_ms), idempotency key ('' for none), body digest
local id, record, spec, units = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local terms = cjson.decode(ARGV[5])
-- Hashed: a key that holds a colon must not look like another owner's.
local idem = P .. 'idem:' .. record.owner .. ':' .. redis.sha1hex(ARGV[6])

if ARGV[6] ~= '' then
  local known = redis.call('HMGET', idem, 'digest', 'job')
  if known[1] then
    if known[1] ~= ARGV[7] then return { 'mismatch' } end
    return { 'replayed', known[2] }
  end
end
if redis.call('EXISTS', key_of(id)) == 1 then return { 'replayed', id } end
local refusal = find_refusal(record, 1, units, terms)
if refusal then return refusal end

accept(id, record, spec, units, terms, now_ms())
if ARGV[6] ~= '' then
  redis.call('HSET', idem, 'digest', ARGV[7], 'job', id)
  redis.call('EXPIRE', idem, 86400)
end
return { 'admitted', id, ring_once(record.mode), redis.call('HGETALL', key_of(id)) }
