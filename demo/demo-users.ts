/** Printed on the demo page. They protect nothing: the server listens on the loopback interface only. */
export const demoUsers: Readonly<Record<string, string>> = {
  alice: 'rabbit-hole',
  hatter: 'tea-time',
  queen: 'croquet',
}
