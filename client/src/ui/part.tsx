/**
 * A part of the page whose code comes later. Owns: waiting for it, and a sentence in its place when it does not come:
 * a page that was open while a new version went live asks for files that are gone.
 */
import { Component, type ReactNode, Suspense } from "react";

interface PartProps {
  children: ReactNode;
}

export class Part extends Component<PartProps, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    if (!this.state.isBroken) return <Suspense>{this.props.children}</Suspense>;
    return (
      <p role="alert" className="text-sm text-mist">
        This part of the page did not load. Reload the page to see it.
      </p>
    );
  }
}
