'use strict';

// Dark where the reader's system is.
const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

// The forms send every default, and the API takes a page or a cursor.
function withoutPageBesideCursor(request) {
  const url = new URL(request.url, location.href);
  if (url.searchParams.has('cursor')) url.searchParams.delete('page');
  return Object.assign(request, { url: url.href });
}

SwaggerUIBundle({
  dom_id: '#docs',
  url: 'api/v3/openapi.json',
  deepLinking: true,
  filter: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  requestInterceptor: withoutPageBesideCursor,
  validatorUrl: null, // which would send the document's address to swagger.io
});
