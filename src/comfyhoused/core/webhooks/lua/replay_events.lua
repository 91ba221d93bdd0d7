#!lua flags=allow-oom
-- Send what happened in a stretch of time to an endpoint again, also what it was never sent.
-- ARGV: owner, endpoint, since ms, until ms, 1: only what did not arrive, offset, most
-- Returns how many events were looked at and how many are sent again.
local owner, endpoint, now = ARGV[1], ARGV[2], now_ms()
local e = redis.call('HMGET', endpoint_of(endpoint), 'owner', 'enabled', 'events')
if e[1] ~= owner then return { 'missing' } end
if e[2] ~= '1' then return { 'disabled' } end
local ids = redis.call('ZRANGEBYSCORE', events_of(owner), ARGV[3], ARGV[4], 'LIMIT', ARGV[6], ARGV[7])
local sent = 0
for _, event in ipairs(ids) do
  local v = redis.call('HMGET', event_of(event), 'type', 'erased')
  local id = delivery_id(event, endpoint)
  local state = redis.call('HGET', delivery_of(id), 'state')
  local is_wanted = v[1] and v[2] ~= '1' and wants(e[3], v[1])
  if not state and is_wanted then
    create_delivery(event, owner, v[1], endpoint, '', endpoint, now, 0)
    sent = sent + 1
  elseif state and v[2] ~= '1' and (state ~= 'delivered' or ARGV[5] ~= '1') then
    revive(id, endpoint, state, now)
    sent = sent + 1
  end
end
return { 'replayed', #ids, sent }
