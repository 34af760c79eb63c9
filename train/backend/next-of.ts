/** The name of a trace's output that holds the new value of the state `name`. Apart, for those who only run the trace. */
export const nextOf = (name: string) => `next:${name}`;
