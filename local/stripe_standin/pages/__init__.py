"""What a person sees at the processor: pages, their sessions, documents."""
