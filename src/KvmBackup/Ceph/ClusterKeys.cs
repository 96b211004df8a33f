using System.Globalization;

namespace KvmBackup.Ceph;

/// <summary>
/// Keys of clusters as files, which rbd reads them from, since a command line is for all to see. They live as long as a
/// run; what a killed one has left goes when the next one comes.
/// </summary>
/// <param name="directoryPath">For nobody but this program.</param>
public sealed class ClusterKeys(string directoryPath)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the file, or finds it.</summary>
    /// <exception cref="CephException">It cannot be written.</exception>
    public string Write(Guid secret, string key)
    {
        string own = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}.{secret}.key");
        string path = Path.Combine(directoryPath, own);
        try
        {
            // Each with its mode: what is made on the way to the last one would be readable for all.
            _ = Directory.CreateDirectory(Path.GetDirectoryName(directoryPath)!, Private | UnixFileMode.UserExecute);
            _ = Directory.CreateDirectory(directoryPath, Private | UnixFileMode.UserExecute);
            Remove(isOwnToo: false);
            File.Delete(path);
            using FileStream file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private });
            file.Write(System.Text.Encoding.ASCII.GetBytes(key));
            return path;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CephException($"The key of a cluster cannot be kept in {directoryPath}: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    /// <summary>Removes what this program has made. Never fails: the next run would do it.</summary>
    public void Forget()
    {
        try
        {
            Remove(isOwnToo: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Another process of ours tidies at the same time.
        }
    }

    private void Remove(bool isOwnToo)
    {
        foreach (string file in Directory.Exists(directoryPath) ? Directory.GetFiles(directoryPath, "*.key") : [])
        {
            string process = Path.GetFileName(file).Split('.')[0];
            bool isOwn = process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            if (isOwn ? isOwnToo : !Directory.Exists($"/proc/{process}"))
            {
                File.Delete(file);
            }
        }
    }
}
