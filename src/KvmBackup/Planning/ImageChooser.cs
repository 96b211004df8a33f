using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Selects the images that a configured selection covers.</summary>
public static class ImageChooser
{
    /// <param name="selection">The patterns.</param>
    /// <param name="only">The requested images; null is all.</param>
    /// <param name="existing">All images of the selection's pools.</param>
    /// <param name="listing">The command that lists the images of a pool, for messages.</param>
    public static ImageChoice Choose(
        ImageSelection selection, IReadOnlyList<RbdImage>? only, IReadOnlyList<RbdImage> existing,
        Func<string, string> listing)
    {
        if (only is not null)
        {
            return new ImageChoice(
                [.. only.Where(existing.Contains)],
                [.. only.Except(existing).Select(image => $"the image {image} does not exist")]);
        }

        string[] pools = [.. selection.Pools.Select(
            pool => selection.Namespace is null ? pool : $"{pool}/{selection.Namespace}")];
        string commands = string.Join(" ; ", pools.Select(listing));
        NamePattern[] unmatched = [.. selection.Included.Where(
            pattern => !existing.Any(image => pattern.Matches(image.Name) && selection.Covers(image)))];
        return new ImageChoice(
            [.. existing.Where(selection.Covers)],
            [.. unmatched.Select(
                pattern => $"the pattern '{pattern}' matches no image in {string.Join(", ", pools)}; correct it, or "
                    + $"list the images: {commands}")]);
    }
}

/// <summary>The images of a selection.</summary>
/// <param name="Images">The covered images, by pool and name.</param>
/// <param name="Unmatched">Requested images and patterns without a match, each with what to do.</param>
public sealed record ImageChoice(IReadOnlyList<RbdImage> Images, IReadOnlyList<string> Unmatched);
