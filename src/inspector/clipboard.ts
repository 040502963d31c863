/** Copies a text, which may still be on its way, and reports the outcome in words. */
export const createCopy =
  (say: (message: string) => void) =>
  (text: string | Promise<string>, what: string): void => {
    const blob = Promise.resolve(text).then((said) => new Blob([said], { type: 'text/plain' }))
    // The clipboard gets a promise: WebKit accepts only a write that the press itself began.
    void navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]).then(
      () => say(`${what} copied.`),
      (error: Error) => say(`Not copied: ${error.message}`),
    )
  }
