#!lua flags=allow-oom
-- Something happened: keep it and make its deliveries. Idempotent by the event's id.
-- ARGV: event id, owner, type, subject, data (JSON; '': written when it is sent), record, keep ms,
--       only: one endpoint, asked for by its owner
-- `record` is the key of the subject's hash: where that is gone or says `erasing`, nothing is told;
-- an address in its field `webhook_url` is told too.
-- Returns how many deliveries were made.
local id, owner, kind, subject, only = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[8]
local url = ''
if redis.call('EXISTS', event_of(id)) == 1 then return 0 end
if ARGV[6] ~= '' then
  local record = redis.call('HMGET', ARGV[6], 'owner', 'erasing', 'webhook_url')
  if record[1] ~= owner or record[2] == '1' then return 0 end
  url = record[3] or ''
end
local endpoints = redis.call('ZRANGE', endpoints_of(owner), 0, -1)
-- Nobody listens, now or later: an event that no endpoint can be given again is not kept.
if #endpoints == 0 and url == '' then return 0 end
local now = now_ms()
redis.call('HSET', event_of(id), 'schema', 1, 'id', id, 'owner', owner, 'type', kind, 'at', now,
  'subject', subject, 'data', ARGV[5], 'only', only)
redis.call('ZADD', KEPT, now + tonumber(ARGV[7]), id)
if subject ~= '' then redis.call('SADD', subject_of(subject), id) end
local made = 0
if only ~= '' then
  create_delivery(id, owner, kind, only, '', only, now, 1)
  endpoints, made = {}, 1
else
  redis.call('ZADD', events_of(owner), now, id)
end
for _, endpoint in ipairs(endpoints) do
  local e = redis.call('HMGET', endpoint_of(endpoint), 'enabled', 'events')
  if e[1] == '1' and wants(e[2], kind) then
    if create_delivery(id, owner, kind, endpoint, '', endpoint, now, 0) then made = made + 1 end
  end
end
-- One lane for each owner and server.
local lane = 'url:' .. redis.sha1hex(owner .. '|' .. (string.match(url, '^%w+://[^/?#]*') or ''))
if url ~= '' and create_delivery(id, owner, kind, '', url, lane, now, 0) then made = made + 1 end
return made
