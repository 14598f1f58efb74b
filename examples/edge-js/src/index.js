// Sends visitors to the site of their country, and lets pages of other origins call this one.
const SITES = { DE: '/de/', FR: '/fr/', JP: '/ja/' };

addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

function answer(request) {
  const url = new URL(request.url);
  const country = url.searchParams.get('country') ?? request.headers.get('x-country');
  const headers = { 'access-control-allow-origin': '*', vary: 'x-country' };
  if (request.method === 'OPTIONS') {
    const allow = { 'access-control-allow-methods': 'GET, HEAD', 'access-control-max-age': '600' };
    return new Response(null, { status: 204, headers: { ...headers, ...allow } });
  }
  const site = SITES[country?.toUpperCase()];
  if (!site) return new Response('Hello from JavaScript\n', { headers });
  return new Response(null, { status: 302, headers: { ...headers, location: site } });
}
