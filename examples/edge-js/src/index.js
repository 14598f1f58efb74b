// Sends visitors to the site of their country, keeps what it renders in the POP's cache, and lets
// pages of other origins call this one.
import * as cache from 'cusp:edge/cache@0.1.0';
import * as geo from 'cusp:edge/geo@0.1.0';
import { check } from 'cusp:edge/rate-limit@0.1.0';

const SITES = { DE: '/de/', FR: '/fr/', JP: '/ja/' };
const GREETINGS = { '/de/': 'Guten Tag', '/fr/': 'Bonjour', '/ja/': 'こんにちは' };
const QUOTA = { limit: 100, windowSeconds: 60 };

addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

function answer(request) {
  const headers = { 'access-control-allow-origin': '*', 'cache-control': 'private' };
  if (request.method === 'OPTIONS') {
    const allow = { 'access-control-allow-methods': 'GET, HEAD', 'access-control-max-age': '600' };
    return new Response(null, { status: 204, headers: { ...headers, ...allow } });
  }
  const verdict = check('pages', geo.clientAddress(), QUOTA);
  if (!verdict.allowed) {
    const later = { 'retry-after': `${verdict.retryAfterSeconds}` };
    return new Response('Slowly, please.\n', { status: 429, headers: { ...headers, ...later } });
  }
  const url = new URL(request.url);
  if (url.pathname in GREETINGS) return page(url.pathname, headers);
  const country = url.searchParams.get('country') ?? geo.client().country;
  const site = SITES[country?.toUpperCase()];
  if (!site) return new Response('Hello from JavaScript\n', { headers });
  return new Response(null, { status: 302, headers: { ...headers, location: site } });
}

function page(path, headers) {
  const kept = cache.get(path);
  if (kept) return new Response(kept.body, { headers: { ...headers, 'x-page': 'kept' } });
  const body = new TextEncoder().encode(`${GREETINGS[path]}, this is JavaScript.\n`);
  cache.insert(path, { ttlSeconds: 60, staleSeconds: 0, tags: ['pages'] }, body);
  return new Response(body, { headers: { ...headers, 'x-page': 'made now' } });
}
