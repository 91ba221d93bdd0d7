-- Add a version, unless the latest one is the same. ARGV: owner, name, digest, content,
-- most names, most versions, most bytes. Returns {verdict, version}.
local owner, name, digest, content = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key = key_of(owner, name)
local known = redis.call('HMGET', key, 'latest', 'digest')
if known[1] and known[2] == digest then return { 'unchanged', tonumber(known[1]) } end
if not known[1] and redis.call('ZCARD', names_of(owner)) >= tonumber(ARGV[5]) then
  return { 'too_many', 0 }
end
-- five fields besides the versions
if known[1] and redis.call('HLEN', key) - 5 >= tonumber(ARGV[6]) then return { 'too_old', 0 } end
local size = #content
if tonumber(redis.call('GET', bytes_of(owner)) or '0') + size > tonumber(ARGV[7]) then
  return { 'too_large', 0 }
end
local version = redis.call('HINCRBY', last_of(owner), name, 1)
local now = now_ms()
redis.call('HSETNX', key, 'created_at', now)
redis.call('HSET', key, 'latest', version, 'digest', digest, 'updated_at', now,
  'v:' .. version, content)
redis.call('HINCRBY', key, 'bytes', size)
redis.call('INCRBY', bytes_of(owner), size)
redis.call('ZADD', names_of(owner), 0, name)
return { 'added', version }
