// The token: taken from the address (#token=…) or from the form, kept while the tab lives.

const KEY = "trackside.token";

/** The token of this tab, or null; an address that carries one is cleaned of it. */
export function token() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const fromAddress = fragment.get("token");
  if (fromAddress) {
    fragment.delete("token");
    const rest = fragment.toString();
    history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    keep(fromAddress);
  }
  return sessionStorage.getItem(KEY);
}

export function keep(value) {
  sessionStorage.setItem(KEY, value.trim());
}

export function forget() {
  sessionStorage.removeItem(KEY);
}
