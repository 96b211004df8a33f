using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>The names in an operator's request: domains, selections of images, single images.</summary>
internal sealed class RequestedNames
{
    private readonly HostSettings host;
    private readonly string[] requested;

    public RequestedNames(HostSettings host, IReadOnlyList<string> names)
    {
        this.host = host;
        requested = [.. names];
    }

    /// <summary>The names that are neither domains of the configuration nor selections or images in them.</summary>
    public IReadOnlyList<string> Unlisted =>
        [.. requested.Except(Configured)
            .Where(name => FindImage(name) is not { } image || host.FindSelection(image) is null)];

    private IReadOnlyList<string> Configured =>
        [.. host.Domains.Select(domain => domain.Name.Value), .. host.Images.Select(images => images.Name)];

    public bool Has(DomainSettings domain) => requested.Contains(domain.Name.Value);

    /// <summary>Whether the selection is requested, by its own name or by the names of its images.</summary>
    public bool Has(ImageSelection selection) => requested.Contains(selection.Name) || ImagesOf(selection).Count > 0;

    /// <returns>The images of the selection that are requested by their own names; null is all.</returns>
    public IReadOnlyList<RbdImage>? OnlyOf(ImageSelection selection) =>
        requested.Contains(selection.Name) ? null : ImagesOf(selection);

    private List<RbdImage> ImagesOf(ImageSelection selection) =>
        [.. requested.Select(FindImage).OfType<RbdImage>()
            .Where(image => host.FindSelection(image) == selection).Distinct()];

    private static RbdImage? FindImage(string name)
    {
        bool isSpec = name.Contains('/', StringComparison.Ordinal);
        return isSpec ? ImageIdentity.Find(new DomainName(name)) ?? ImageIdentity.Find(new DomainName($"rbd:{name}"))
            : null;
    }

    /// <param name="existing">The domains of this libvirt, if they may be requested as well; null if not.</param>
    /// <exception cref="PlanningException">A name is not in the configuration.</exception>
    public void RefuseUnknown(IReadOnlyList<DomainIdentity>? existing)
    {
        if (requested.Length == 0)
        {
            throw new PlanningException($"No domain was named; {host.HostName} has {string.Join(", ", Configured)}.");
        }

        string[] others = [.. (existing ?? []).Select(domain => domain.Name.Value)];
        string[] unknown = [.. Unlisted.Except(others)];
        if (unknown.Length > 0)
        {
            string[] candidates = [.. Configured.Union(others)];
            string all = string.Join(", ", candidates);
            (string place, string advice) = existing is null
                ? ($"not in the configuration of {host.HostName}",
                    $", which has {all}; add it below 'domains', or name one of these.")
                : ($"neither in the configuration of {host.HostName} nor in libvirt",
                    $", which have {all}; name one of these.");
            throw new PlanningException(
                string.Join('\n', unknown.Select(name => Describe(name, place, advice, candidates))));
        }
    }

    private string Describe(string name, string place, string advice, string[] candidates) =>
        FindImage(name) is not null
            ? $"No selection below 'images' of {host.HostName} covers the image '{name}'; add it to one, or name "
                + "another."
        : NearestName.Find(name, candidates) is { } nearest ? $"Domain '{name}' is {place}; did you mean '{nearest}'?"
        : $"Domain '{name}' is {place}{advice}";
}
