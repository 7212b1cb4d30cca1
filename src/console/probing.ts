/**
 * What nobody asks for who uses the console: the address of a request goes in; whether it looks for a way out of what
 * is served, or for something that browsers ask every server for, comes out. Pure.
 */

/** Browsers take `..` out of an address before they ask (URL Standard, 4.4), so a page never sends it. */
export function leadsOut(url: string): boolean {
  const path = decoded(url.split('?')[0] ?? '');
  return path === undefined || /(^|[/\\])\.\.([/\\]|$)/.test(path) || path.includes('\\') || path.includes('\0');
}

/** Twice, as some servers do. Undefined for what no browser writes: half an escape, or bytes that are no UTF-8. */
function decoded(path: string): string | undefined {
  const once = unescaped(path);
  return once === undefined ? undefined : (unescaped(once) ?? once);
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Icons, RFC 8615, what developer tools look for, and parts of a page that stayed open while the door was upgraded. */
const usual =
  /^\/(?:favicon\.ico|apple-touch-icon[a-z0-9-]*\.png|browserconfig\.xml|robots\.txt|\.well-known\/.*|(?:page|lib)\/[\w@./-]+\.(?:js|css|svg|map))$/;

/** Browsers ask every server for these, without anybody wanting them. */
export const isUsualOfBrowsers = ({ method, url }: { readonly method: string; readonly url: string }): boolean =>
  (method === 'GET' || method === 'HEAD') && usual.test(url.split('?')[0] ?? '');
