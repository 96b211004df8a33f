namespace KvmBackup.Hypervisor;

/// <summary>A guest whose file systems are frozen, for as short as can be. Leaving the scope thaws it.</summary>
public sealed class FrozenGuest : IAsyncDisposable
{
    private readonly GuestAgent agent;
    private readonly DomainIdentity domain;
    private readonly TimeProvider time;
    private readonly long frozenSince;
    private bool isThawed;

    internal FrozenGuest(GuestAgent agent, DomainIdentity domain, TimeProvider time)
    {
        this.agent = agent;
        this.domain = domain;
        this.time = time;
        frozenSince = time.GetTimestamp();
    }

    /// <summary>From before the freeze was asked for until the thaw was confirmed.</summary>
    public TimeSpan FrozenFor { get; private set; }

    /// <exception cref="HypervisorException">Not confirmed: a person must look.</exception>
    public async Task ThawAsync()
    {
        if (isThawed)
        {
            return;
        }

        // Set first: the agent has its own retries, and the scope's end must not start them all over again.
        isThawed = true;
        await agent.ThawAsync(domain);
        FrozenFor = time.GetElapsedTime(frozenSince);
    }

    public async ValueTask DisposeAsync() => await ThawAsync();
}
