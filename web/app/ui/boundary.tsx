import { Component, type ComponentChildren } from "preact";
import { asApiError } from "../api/use";
import { ErrorState } from "./states";

interface Props {
  children: ComponentChildren;
}

/** A fault in one view must not leave a blank page, nor take the navigation with it. */
export class Boundary extends Component<Props, { fault: unknown }> {
  override state: { fault: unknown } = { fault: null };

  override componentDidCatch(fault: unknown): void {
    console.error(fault);
    this.setState({ fault });
  }

  override render(): ComponentChildren {
    const { fault } = this.state;
    if (fault === null) return this.props.children;
    return (
      <main class="view">
        <ErrorState error={asApiError(fault)} retry={() => this.setState({ fault: null })} />
      </main>
    );
  }
}
