/** What the examples of README.md take from the application around them. */
declare const session: { userId: string }
declare const auth: { getAccessToken(): Promise<string> }
declare const render: (title: string) => void
declare const refetch: () => void
