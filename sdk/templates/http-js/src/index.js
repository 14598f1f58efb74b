addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/') return new Response('Hello from {{project-name}}\n');
  return new Response(`Nothing at ${pathname}\n`, { status: 404 });
}
