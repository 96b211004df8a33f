using KvmBackup.Configuration;

namespace KvmBackup.Planning;

/// <summary>Decides which of the images that there are a selection means.</summary>
public static class ImageChooser
{
    /// <param name="selection">The patterns.</param>
    /// <param name="only">The images that were asked for; null is all.</param>
    /// <param name="there">All images of the selection's pools.</param>
    public static ImageChoice Choose(ImageSelection selection, IReadOnlyList<RbdImage>? only, IReadOnlyList<RbdImage> there)
    {
        if (only is not null)
        {
            return new ImageChoice(
                [.. only.Where(there.Contains)],
                [.. only.Except(there).Select(image => $"there is no image {image}")]);
        }

        string pools = string.Join(", ", selection.Pools.Select(
            pool => selection.Namespace is null ? pool : $"{pool}/{selection.Namespace}"));
        return new ImageChoice(
            [.. there.Where(selection.Covers)],
            [.. selection.Included.Where(pattern => !there.Any(image => pattern.Matches(image.Name) && selection.Covers(image)))
                .Select(pattern => $"the pattern '{pattern}' matches no image in {pools}; correct it, or see what there is: rbd ls POOL")]);
    }
}

/// <summary>The images of a selection.</summary>
/// <param name="Images">Those that are meant, by pool and name.</param>
/// <param name="Unmatched">What was meant and is not there, each with what to do.</param>
public sealed record ImageChoice(IReadOnlyList<RbdImage> Images, IReadOnlyList<string> Unmatched);
