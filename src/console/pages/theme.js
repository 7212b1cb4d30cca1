/** Dark, light, or as the device is set; kept in this browser. */

const key = 'facelatch.theme';

export const theme = () => localStorage.getItem(key) ?? 'auto';

/** @param {string} name `auto`, `light` or `dark` */
export function chooseTheme(name) {
  localStorage.setItem(key, name);
  apply();
}

function apply() {
  document.documentElement.dataset.theme = theme();
}

apply();
