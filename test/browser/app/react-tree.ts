import { createElement, type ReactElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import type { Stream } from 'tabstream'
import { StreamProvider, useStatus } from 'tabstream/react'

const State = (): ReactElement =>
  createElement(
    'output',
    null,
    useStatus(({ state }) => state),
  )

/** A tree with a stream in it, and something that has nothing to do with the stream. No error boundary holds it. */
export const mount = (connect: () => Stream<Record<string, { n?: number }>>) => {
  const root = document.body.appendChild(document.createElement('main'))
  createRoot(root).render(
    createElement(
      StrictMode,
      null,
      createElement('h1', null, 'The application'),
      createElement(StreamProvider, { connect: connect as never }, createElement(State)),
    ),
  )
}
