// Guests share two cores and one libvirt: one test at a time, or bounded waits would measure the neighbours.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
