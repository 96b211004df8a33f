namespace KvmBackup.Hypervisor;

/// <summary>A guest whose file systems are frozen. Leaving the scope thaws it.</summary>
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

    /// <summary>The time from the freeze request to the confirmed thaw.</summary>
    public TimeSpan FrozenFor { get; private set; }

    /// <exception cref="HypervisorException">The thaw is not confirmed: manual action required.</exception>
    public async Task ThawAsync()
    {
        if (isThawed)
        {
            return;
        }

        // Set first: the agent has its own retries, and the end of the scope must not repeat them.
        isThawed = true;
        await agent.ThawAsync(domain);
        FrozenFor = time.GetElapsedTime(frozenSince);
    }

    public async ValueTask DisposeAsync() => await ThawAsync();
}
