#!lua flags=allow-oom
-- A token bucket by one instant (GCRA): exact, whichever process asks.
-- ARGV: bucket, interval in µs (between two requests), burst
-- Returns: taken (1 or 0), requests left, µs until one is free, µs until the bucket is full.
local key = P .. 'rate:' .. ARGV[1]
local interval, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local room = burst * interval
local due = math.max(tonumber(redis.call('GET', key)) or 0, now) + interval
local taken = due - now <= room
if taken then
  redis.call('SET', key, string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000) + 1)
else
  due = due - interval
end
local left = math.max(0, math.floor((room - (due - now)) / interval))
local wait = taken and 0 or due + interval - room - now
return { taken and 1 or 0, left, math.ceil(wait), math.ceil(due - now) }
