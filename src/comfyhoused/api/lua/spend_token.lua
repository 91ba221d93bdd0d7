#!lua flags=allow-oom
-- Count jobs and units against the limits of a client token, or give them back. Answers 0 where it would be too much.
-- ARGV: token, most jobs (-1: any), most units (-1: any), jobs, units, ms for which the token lasts
local key = P .. 'client_token:' .. ARGV[1]
local used = redis.call('HMGET', key, 'jobs', 'units')
local jobs = (tonumber(used[1]) or 0) + tonumber(ARGV[4])
local units = (tonumber(used[2]) or 0) + tonumber(ARGV[5])
local function is_over(count, most) return tonumber(most) >= 0 and count > tonumber(most) end
if tonumber(ARGV[4]) > 0 and (is_over(jobs, ARGV[2]) or is_over(units, ARGV[3])) then return 0 end
redis.call('HSET', key, 'jobs', math.max(0, jobs), 'units', math.max(0, units))
redis.call('PEXPIRE', key, ARGV[6])
return 1
