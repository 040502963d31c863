import { act, createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { SWRConfig } from 'swr'
import useSWRSubscription from 'swr/subscription'

/** A component that shows what SWR has under a key. @returns unmounts it */
const mount = async (
  container: Element,
  key: string,
  subscribe: (key: unknown, options: { next(error?: unknown, data?: unknown): void }) => () => void,
) => {
  const View = () => {
    const { data, error } = useSWRSubscription(key, subscribe as never) as { data: unknown; error?: Error }
    return error ? error.message : JSON.stringify(data)
  }
  const root = createRoot(container)
  // A cache of its own, as each tab has one.
  const tree = createElement(SWRConfig, { value: { provider: () => new Map() } }, createElement(View))
  await act(async () => root.render(tree))
  return () => act(async () => root.unmount())
}
export default { mount, act }
