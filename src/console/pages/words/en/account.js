/** @type {Readonly<Record<string, string>>} */
export const account = {};
