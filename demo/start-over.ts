const deleteDatabase = (name: string): Promise<'deleted' | 'in use'> =>
  new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve('deleted')
    request.onerror = () => resolve('in use')
    // Another tab keeps the worker alive that has it open. The request stays queued until that is gone.
    request.onblocked = () => resolve('in use')
  })

/** Deletes the logs that the library keeps in this browser, and reloads. Call with this tab's stream closed. */
export const startOver = async (): Promise<void> => {
  const databases = await indexedDB.databases()
  const names = databases.flatMap(({ name }) => (name?.startsWith('tabstream:') ? [name] : []))
  await Promise.all(names.map(deleteDatabase))
  location.reload()
}
